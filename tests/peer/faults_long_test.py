"""What faults_test.py does, longer: order and loss over a million messages, more faults, more kills."""

import unittest

import faults_test


class LongFaults(faults_test.Faults):
    MANY = 1_000_000
    SOME = 60_000
    KILLS = 20


if __name__ == "__main__":
    unittest.main()
