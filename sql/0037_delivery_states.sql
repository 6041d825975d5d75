-- The deliveries of an endpoint by their state. Those that are still to be sent, those that failed and those that were
-- cancelled are each found without reading the others: an endpoint that fails for days has many that failed.
drop index pdfprompt_delivery_pending;
create index pdfprompt_delivery_pending on pdfprompt_delivery (webhook_id, created_at, id)
  where webhook_id is not null and status in ('awaiting', 'ready', 'sending', 'waiting');
create index pdfprompt_delivery_unsent on pdfprompt_delivery (webhook_id, status, created_at, id)
  where webhook_id is not null and status in ('failed', 'cancelled');
drop index pdfprompt_delivery_open;
