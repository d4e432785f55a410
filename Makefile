# Variables (PORT, TESTS, ARGS, ODOO, ...) given to make reach the scripts.

# Odoo's tests of customer invoices, credit notes, payments, deposits, the report.
ACCOUNT_TAGS ?= \
	/account:TestAccountInvoiceReport \
	/account:TestAccountMove \
	/account:TestAccountMoveDateAlgorithm \
	/account:TestAccountMoveInalterableHash \
	/account:TestAccountMoveOutInvoiceOnchanges \
	/account:TestAccountMoveOutRefundOnchanges \
	/account:TestAccountPayment \
	/account:TestAccountPaymentRegister \
	/account:TestTaxesDownPayment
export ACCOUNT_TAGS

.PHONY: help demo demo-reset test test-matrix test-oca test-account test-uninstall fire bench lint pot shell update-pins clean

help:
	@echo 'make demo          serve the demo on http://127.0.0.1:8069 (PORT=8070 make demo)'
	@echo 'make demo-reset    the same, with a new demo database'
	@echo 'make test          lint, then the tests of all addons'
	@echo '                   TESTS=addon/tests/test_x.py ARGS="-k name" for some of them'
	@echo 'make test-matrix   the tests of each addon with no more than it needs (long)'
	@echo '                   MATRIX="core stock" for some of them'
	@echo 'make test-oca      tests of OCA fieldservice, with the core addon installed'
	@echo 'make test-account  tests of Odoo invoices, with the core addon installed'
	@echo 'make test-uninstall  uninstalling leaves the accounting as it is'
	@echo 'make bench         speed beside Odoo itself, in ratios (QUICK=1 for a short one)'
	@echo 'make fire          a live Odoo under double submits, kills, failing mail (long)'
	@echo '                   FIRE=double_submit for one, see docs/FIRE.md'
	@echo 'make lint          checks and formats all files'
	@echo 'make pot           renews the translation templates, after make test'
	@echo 'make shell         a Python shell on the demo database'
	@echo 'make update-pins   takes newer versions of all that is downloaded'
	@echo 'make clean         removes .local: downloads, databases, the demo'
	@echo 'bin/odoo ...       any Odoo command line'
	@echo 'More in docs/DEVELOPMENT.md'

demo:
	@setup/demo.sh

demo-reset:
	@setup/demo.sh reset

test:
	@setup/test.sh $(if $(TESTS),,lint) pytest

test-matrix:
	@setup/test-matrix.sh

test-oca:
	@setup/test.sh oca

test-account:
	@setup/test.sh account

test-uninstall:
	@setup/test.sh uninstall

bench:
	@setup/bench.sh

fire:
	@setup/fire.sh

lint:
	@setup/lint.sh

pot:
	@for addon in $(patsubst %/__manifest__.py,%,$(wildcard */__manifest__.py)); do \
		bin/odoo i18n export -d fieldservice_test -l pot -o $$addon/i18n/$$addon.pot $$addon; \
	done

shell:
	@bin/odoo shell -d fieldservice_demo --no-http

update-pins:
	@setup/update-pins.sh

clean:
	@setup/clean.sh
