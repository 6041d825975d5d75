-- pdfprompt: no transaction
-- In the order in which they are listed: with a limit, every key was read until enough were this user's.

create index concurrently if not exists pdfprompt_api_key_user_order on pdfprompt_api_key (user_id, id);

drop index concurrently if exists pdfprompt_api_key_user;
