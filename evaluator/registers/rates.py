"""States, baseline hazards and planted effects of the synthetic register: constants only.

Weekly hazards are tuned to the baselines that municipalities report (see data/synthetic/README.md). Groups are
indexed 2 * (kontanthjaelp) + (aktivitetsparat). Every destination owns a slot of the unit interval, so the same
uniform sends the same person the same way in the worlds with and without an intervention.
"""

from __future__ import annotations

import numpy as np

# Weekly states. Up to BENEFIT_LAST the person draws the benefit without supported work.
PASSIVE, GUIDANCE, PRIVATE_PLACEMENT, PUBLIC_PLACEMENT, UTILITY_WORK = range(5)
BENEFIT_LAST = UTILITY_WORK
SUBSIDY_PRIVATE, SUBSIDY_PUBLIC, SICK, JOB, EDUCATION = range(5, 10)
RESOURCE_COURSE, FLEX_JOB, DISABILITY_PENSION, UNEMPLOYMENT_BENEFIT, SELF_SUPPORT, LEFT = range(10, 16)
ABSENT = 255
IS_AKT, IS_KTH = 16, 32  # bits beside the state in a recorded week

# Order of the four below: on uddannelseshjaelp ready for education, then aktivitetsparat; on kontanthjaelp jobparat,
# then aktivitetsparat.
TO_JOB = np.array([0.0054, 0.00088, 0.0070, 0.00085])
TO_EDUCATION = np.array([0.0150, 0.0034, 0.0007, 0.0002])
TO_SELF_SUPPORT = np.array([0.0028, 0.0013, 0.0036, 0.0009])
TO_LASTING = np.array([0.0003, 0.0010, 0.0004, 0.0015])  # ressourceforloeb, fleksjob, foertidspension
TO_UNEMPLOYMENT = np.array([0.0001, 0.0000, 0.0007, 0.0001])
TO_LEFT = 0.0003
TO_SICK = np.array([0.0110, 0.0150, 0.0120, 0.0170])
TO_ACTIVITY = np.array([0.034, 0.022, 0.034, 0.018])
TO_OTHER_VISITATION = np.array([0.0022, 0.0024, 0.0026, 0.0018])

# Slots (lower end, width) of the weekly uniform.
SLOT_JOB = (0.00, 0.12)
SLOT_EDUCATION = (0.12, 0.06)
SLOT_SELF_SUPPORT = (0.18, 0.03)
SLOT_LASTING = (0.21, 0.01)
SLOT_UNEMPLOYMENT = (0.22, 0.01)
SLOT_LEFT = (0.23, 0.01)
SLOT_SICK = (0.24, 0.03)
SLOT_ACTIVITY = (0.27, 0.05)
SLOT_VISITATION = (0.32, 0.01)
SLOTS_END = 0.33

# Latent strong people: few, and most of those who find work. Job factor by (aktivitetsparat, strong).
STRONG_SHARE = (0.22, 0.025)  # ready, aktivitetsparat
JOB_FACTOR = np.array([[0.62, 3.6], [0.80, 20.0]])
JOB_LEAVING = np.array([0.016, 0.006])  # not strong, strong
DURATION_FACTOR = np.maximum(130 - np.arange(420), 70) / 100  # weeks since entry

# From the other states: (hazard, destination), read from the bottom of the uniform.
LEAVING_JOB = ((0.55, PASSIVE), (0.70, UNEMPLOYMENT_BENEFIT), (1.00, SELF_SUPPORT))  # shares of JOB_LEAVING
LEAVING_EDUCATION = ((0.0045, PASSIVE), (0.0085, JOB), (0.0105, SELF_SUPPORT))
LEAVING_SELF_SUPPORT = ((0.0120, PASSIVE), (0.0190, JOB), (0.0205, EDUCATION), (0.0210, LEFT))
LEAVING_UNEMPLOYMENT = ((0.0250, JOB), (0.0310, PASSIVE), (0.0350, SELF_SUPPORT))
LEAVING_RESOURCE = ((0.0010, PASSIVE), (0.0030, FLEX_JOB), (0.0055, DISABILITY_PENSION))
JOB_AFTER_SUBSIDY = 0.25

WEEKS_UNTIL_JOB = 3  # a job found begins three weeks later; meanwhile meetings are missed
SANCTION_WEEKS = 13
SANCTION_ON_SELF_SUPPORT = 1.3  # factor on the hazard to self-support without a job
SANCTION_ON_JOB = 1.0
MEETING = np.array([0.105, 0.075, 0.115, 0.070])  # weekly
MEETING_MAX = 0.25
NO_SHOW = 0.30
NO_SHOW_JOB_FOUND = 0.65
STRICTNESS_AKT = 0.60  # share of the municipality's sanction practice used towards aktivitetsparate

# Planted effects: factor on the weekly hazard is 1 + effect * ramp.
RAMP_BY_MONTH = (0.25, 0.50, 0.75, 1.0)
STEP_JOB = np.array([0.18, 0.38, 0.16, 0.55])
STEP_EDUCATION = np.array([0.12, 0.30, 0.10, 0.10])
STEP_SELF_SUPPORT = np.array([0.06, 0.08, 0.06, 0.08])
STEP_AGE_FACTOR = np.array([1.1, 1.0, 0.9, 0.6])  # by AGE_GROUPS
YOUTH_JOB, YOUTH_EDUCATION, YOUTH_SELF_SUPPORT = 0.35, 0.28, 0.05
PROJECT_JOB = 0.12
MEETINGS_MORE = 0.5

# Planted in the world `trial_claims` alone. By being called, whether or not the meeting is held.
COUNSELLING_SHARE = 0.5  # the other meetings are control
MEETING_WEEKS = 5  # the meeting's own week and four more
COUNSELLING_ON_JOB = 1.6
CONTROL_ON_SELF_SUPPORT = 1.6
ACTIVATION_MORE = 0.40  # on the hazard to an activity
ACTIVATION_ON_SICK = 0.55  # on the hazard to sick pay

AGE_GROUPS = ("18-24", "25-29", "30-49", "50-66")
AGE_FLOORS = np.array([18, 25, 30, 50])


def age_group(age: np.ndarray) -> np.ndarray:
    """Return the index into AGE_GROUPS."""
    return np.searchsorted(AGE_FLOORS, age, side="right") - 1
