"""Sample data that labelloop draws itself, with the layout and the traps of real data.

`write_won` draws won notes and coins with LabelMe boxes, `write_cars` car bodywork
with and without damage. Importing this is cheap; drawing imports numpy and OpenCV, in
its own processes.
"""

from .writing import SampleDataSummary, write_cars, write_won

__all__ = ["SampleDataSummary", "write_cars", "write_won"]
