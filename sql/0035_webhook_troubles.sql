-- Endpoints with which something is wrong, few of all: the console shows them to operators.
create index pdfprompt_webhook_trouble on pdfprompt_webhook (id)
  where deleted_at is null and (failing_since is not null or off_reason in ('gone', 'failing'));
