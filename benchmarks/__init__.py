"""What drlim costs, each figure measured against something else in the same run."""
