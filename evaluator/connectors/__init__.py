"""Connectors: public statistics from StatBank and jobindsats, fetched on request and landed as deliveries.

The only part of the engine that uses the network, and only in `evaluator fetch`.
"""
