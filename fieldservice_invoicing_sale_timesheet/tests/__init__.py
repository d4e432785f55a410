from . import test_billed_once
