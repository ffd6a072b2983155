"""Sweeps beyond one machine, on the engines that exist; nothing here schedules, queues or moves a job."""
