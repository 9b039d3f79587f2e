"""Speed, side by side on this machine: ``python -m benchmarks`` runs every part, ``python -m benchmarks draw`` one."""
