# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Field Service Invoicing - Job Queue",
    "summary": "Batches of service invoices as jobs over all workers and machines",
    "version": "19.0.1.0.0",
    "license": "AGPL-3",
    "category": "Field Service",
    "author": "fieldservice_invoicing contributors",
    "depends": ["fieldservice_invoicing", "queue_job"],
    "auto_install": ["fieldservice_invoicing", "queue_job"],
    "data": ["data/queue_job_function.xml"],
    "development_status": "Beta",
}
