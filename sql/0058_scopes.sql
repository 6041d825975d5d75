-- Scopes of support and of operators: everybody's jobs without their documents, with them, and what may be done.

alter table pdfprompt_api_key drop constraint pdfprompt_api_key_scopes;
alter table pdfprompt_api_key add constraint pdfprompt_api_key_scopes check (cardinality(scopes) > 0
  and scopes <@ '{jobs:write,jobs:read,usage:read,console:read,console:documents,operator,admin}');
