"""Synthetic municipal registers whose true effects are known by construction."""

from evaluator.registers.register import Population, Register, simulate
from evaluator.registers.writing import write_register

__all__ = ["Population", "Register", "simulate", "write_register"]
