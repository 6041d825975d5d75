-- The invoices of the application. Yours are there already.
create table if not exists invoices (
  id bigint generated always as identity primary key,
  customer_email text not null,
  number text not null unique,
  total numeric(12, 2) not null,
  due_on date not null,
  pdf_job uuid
);

begin;

-- skip locked: two of these at a time share the work.
with due as (
  select id, customer_email, number, total from invoices
  where due_on <= current_date and pdf_job is null
  for update skip locked
)
update invoices set pdf_job = pdfprompt.submit(
  'billing@example.com',
  jsonb_build_object(
    'html', format('<h1>Invoice %s</h1><p>For %s: %s EUR</p>', due.number, due.customer_email, due.total),
    'filename', format('invoice-%s.pdf', due.number),
    'metadata', jsonb_build_object('invoice', due.number)
  ),
  'invoice-' || due.number
)
from due where due.id = invoices.id;

commit;
