-- What lists and replays of deliveries read.

-- Most deliveries have succeeded: the others are found without reading all of an endpoint's.
create index pdfprompt_delivery_open on pdfprompt_delivery (webhook_id, created_at, id)
  where webhook_id is not null and status <> 'delivered';

-- A job shows what became of its upload.
create index pdfprompt_delivery_upload on pdfprompt_delivery (job_id) where kind = 'upload';
