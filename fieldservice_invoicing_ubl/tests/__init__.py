from . import test_as_issued
