-- Keys: what each may do, until when, which one it replaces. And a bell for those who remember keys, plans and limits.

alter table pdfprompt_api_key
  add column scopes text[] not null default '{jobs:write,jobs:read,usage:read}',
  add column expires_at timestamptz,
  add column replaces uuid references pdfprompt_api_key (id) on delete set null,
  add constraint pdfprompt_api_key_scopes check (cardinality(scopes) > 0 and scopes <@ '{jobs:write,jobs:read,usage:read,admin}'),
  add constraint pdfprompt_api_key_expiry check (isfinite(expires_at)),
  add constraint pdfprompt_api_key_replaces_key unique (replaces);
comment on column pdfprompt_api_key.scopes is 'What a request with this key may do.';
comment on column pdfprompt_api_key.expires_at is 'From then on the key is as good as unknown; null: never.';
comment on column pdfprompt_api_key.replaces is 'The key that this one was made from by a rotation; each key is rotated once.';

-- A plan can be deleted once nobody is on it. Who was on it before keeps its name, so only what is in force refers to it.
alter table pdfprompt_user_subscription
  drop constraint pdfprompt_user_subscription_tier_fkey,
  add column tier_in_force text generated always as (case when ended_at is null then tier end) stored
    references pdfprompt_tier (name);
comment on column pdfprompt_user_subscription.tier_in_force is 'The tier, as long as the subscription has no end.';
create index pdfprompt_user_subscription_tier on pdfprompt_user_subscription (tier_in_force) where tier_in_force is not null;

-- Whoever makes a change, an operator with psql included, every process that listens hears of it at the commit:
--   pdfprompt_accounts  the id of the user whose keys or plan changed; '' after a truncate: everybody's
--   pdfprompt_tiers     '': any tier may be another now

create function pdfprompt_ring_account() returns trigger language plpgsql as $$
begin
  if tg_op = 'TRUNCATE' then
    perform pg_notify('pdfprompt_accounts', '');
    return null;
  end if;
  if tg_op <> 'INSERT' then
    perform pg_notify('pdfprompt_accounts', old.user_id::text);
  end if;
  if tg_op <> 'DELETE' then
    perform pg_notify('pdfprompt_accounts', new.user_id::text); -- the same again is sent once
  end if;
  return null;
end $$;

create function pdfprompt_ring_user() returns trigger language plpgsql as $$
begin
  perform pg_notify('pdfprompt_accounts', old.id::text);
  return null;
end $$;

create function pdfprompt_ring_tiers() returns trigger language plpgsql as $$
begin
  perform pg_notify('pdfprompt_tiers', '');
  return null;
end $$;

create trigger pdfprompt_api_key_ring after insert or delete on pdfprompt_api_key
  for each row execute function pdfprompt_ring_account();
-- Not for last_used_at, which is written all the time.
create trigger pdfprompt_api_key_ring_update after update of id, user_id, hash, scopes, expires_at, revoked_at on pdfprompt_api_key
  for each row when ((old.id, old.user_id, old.hash, old.scopes, old.expires_at, old.revoked_at)
    is distinct from (new.id, new.user_id, new.hash, new.scopes, new.expires_at, new.revoked_at))
  execute function pdfprompt_ring_account();
create trigger pdfprompt_api_key_ring_truncate after truncate on pdfprompt_api_key
  for each statement execute function pdfprompt_ring_account();

create trigger pdfprompt_user_subscription_ring after insert or update or delete on pdfprompt_user_subscription
  for each row execute function pdfprompt_ring_account();
create trigger pdfprompt_user_subscription_ring_truncate after truncate on pdfprompt_user_subscription
  for each statement execute function pdfprompt_ring_account();

create trigger pdfprompt_user_ring after delete on pdfprompt_user
  for each row execute function pdfprompt_ring_user();

create trigger pdfprompt_tier_ring after insert or update or delete or truncate on pdfprompt_tier
  for each statement execute function pdfprompt_ring_tiers();
