-- Sessions of somebody who came by a link that the server has printed, not with a key: the session has a user and scopes of its
-- own. Sessions can be listed and ended.

create table pdfprompt_sign_in_link (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  user_id uuid not null references pdfprompt_user (id) on delete cascade,
  scopes text[] not null check (cardinality(scopes) > 0),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null check (expires_at > created_at)
);
comment on table pdfprompt_sign_in_link is 'Links that sign in once: the SHA-256 of the token, and what the session may do. Deleted when they are used.';
create index pdfprompt_sign_in_link_user on pdfprompt_sign_in_link (user_id);
create index pdfprompt_sign_in_link_expiry on pdfprompt_sign_in_link (expires_at);

-- The last release writes neither user_id nor scopes: its sessions are those of their key. It joins a session with its key, so one
-- without a key is none for it.
alter table pdfprompt_console_session alter column key_id drop not null;
alter table pdfprompt_console_session
  add column id uuid not null default gen_random_uuid(),
  add column user_id uuid references pdfprompt_user (id) on delete cascade,
  add column scopes text[] check (cardinality(scopes) > 0),
  add column last_used_at timestamptz not null default now(),
  add column address text check (length(address) <= 100),
  add column browser text check (length(browser) <= 300);
update pdfprompt_console_session c set user_id = k.user_id, last_used_at = c.created_at
  from pdfprompt_api_key k where k.id = c.key_id;
comment on column pdfprompt_console_session.id is 'Names the session where the token may not be shown';
comment on column pdfprompt_console_session.key_id is 'The key that it was begun with, which has to be valid still at each request; empty: a link';
comment on column pdfprompt_console_session.user_id is 'Empty: the user of the key';
comment on column pdfprompt_console_session.scopes is 'Of a session begun with a link; otherwise those of the key';
comment on column pdfprompt_console_session.last_used_at is 'To about a minute';
comment on column pdfprompt_console_session.address is 'Where the browser was when the session began';
create index pdfprompt_console_session_id on pdfprompt_console_session (id);
create index pdfprompt_console_session_user on pdfprompt_console_session (user_id, id);
