-- Files that documents need are rows of their own, assets: bytes of one tenant, by their hash. Templates and the parts of
-- jobs refer to them, so that each is sent and kept once.

-- First, as what follows begins with weaker locks: a transaction that had read a table, and then writes, would be in a
-- deadlock.
lock table pdfprompt_user, pdfprompt_job, pdfprompt_part in access exclusive mode;

create table pdfprompt_asset (
  id uuid primary key,
  user_id uuid not null references pdfprompt_user (id) on delete cascade,
  sha256 bytea not null check (length(sha256) = 32),
  size bigint not null check (size >= 0),
  type text not null,
  store text not null,
  location text,
  created_at timestamptz not null default now(),
  used_at timestamptz not null default now(),
  constraint pdfprompt_asset_user_sha256 unique (user_id, sha256)
);
comment on table pdfprompt_asset is 'Files of a tenant that documents need. The same bytes of a tenant are one asset. Kept while a template or the part of a job refers to it, or a day.';
comment on column pdfprompt_asset.type is 'The media type that it was sent with';
comment on column pdfprompt_asset.store is 'The kind of store that its bytes are in, as for pdfprompt_file.';
comment on column pdfprompt_asset.location is 'Which store of that kind, as PDF_STORE says it; empty for Postgres.';
comment on column pdfprompt_asset.used_at is 'When it was sent last, or referred to, give or take an hour.';
create index pdfprompt_asset_used_at on pdfprompt_asset (used_at);

create table pdfprompt_asset_chunk (
  asset_id uuid not null references pdfprompt_asset (id) on delete cascade,
  seq integer not null,
  bytes bytea not null,
  primary key (asset_id, seq)
);
comment on table pdfprompt_asset_chunk is 'The bytes of assets kept in Postgres, in pieces so that they can be streamed.';
alter table pdfprompt_asset_chunk alter column bytes set storage external;
alter table pdfprompt_asset_chunk set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

create function pdfprompt_disown_asset() returns trigger language plpgsql as $$ begin
  insert into pdfprompt_unowned_file (id, store, location) values (old.id, old.store, old.location)
    on conflict do nothing; return null;
end $$;
create trigger pdfprompt_asset_deleted after delete on pdfprompt_asset
  for each row when (old.store <> 'postgres') execute function pdfprompt_disown_asset();

create table pdfprompt_template (
  id uuid primary key,
  user_id uuid not null references pdfprompt_user (id) on delete cascade,
  name text not null,
  latest integer not null default 0,
  created_at timestamptz not null default now(),
  constraint pdfprompt_template_user_name unique (user_id, name)
);
comment on table pdfprompt_template is 'Names of templates. The row stays when a template is deleted, so that no version number is given twice.';
comment on column pdfprompt_template.latest is 'The highest number that any version had';

create table pdfprompt_template_version (
  id uuid primary key,
  template_id uuid not null references pdfprompt_template (id) on delete cascade,
  user_id uuid not null,
  version integer not null check (version > 0),
  hash bytea not null,
  description text,
  request jsonb not null default '{}' check (jsonb_typeof(request) = 'object'),
  created_at timestamptz not null default now(),
  deleted_at timestamptz,
  constraint pdfprompt_template_version_number unique (template_id, version)
);
comment on table pdfprompt_template_version is 'Versions of templates, which never change. A deleted one stays as long as the part of a job refers to it.';
comment on column pdfprompt_template_version.hash is 'SHA-256 of its content, by which the same content is recognized';
comment on column pdfprompt_template_version.request is 'Print settings of the template, under those of a request';
create index pdfprompt_template_version_deleted on pdfprompt_template_version (deleted_at) where deleted_at is not null;

-- Deferred: when a user is erased, these rows and their assets go in any order.
create table pdfprompt_template_file (
  version_id uuid not null references pdfprompt_template_version (id) on delete cascade,
  name text not null,
  asset_id uuid not null references pdfprompt_asset (id) deferrable initially deferred,
  primary key (version_id, name)
);
comment on table pdfprompt_template_file is 'The files of a version, by their paths in its folder.';
create index pdfprompt_template_file_asset on pdfprompt_template_file (asset_id);

create table pdfprompt_part_file (
  job_id uuid not null,
  position smallint not null,
  name text not null,
  asset_id uuid not null references pdfprompt_asset (id) deferrable initially deferred,
  primary key (job_id, position, name),
  foreign key (job_id, position) references pdfprompt_part (job_id, position) on delete cascade
);
comment on table pdfprompt_part_file is 'Files beside the document of a part, by their paths in its folder. Erased with the document.';
create index pdfprompt_part_file_asset on pdfprompt_part_file (asset_id);

alter table pdfprompt_part
  add column has_files boolean not null default false,
  add column template_version uuid references pdfprompt_template_version (id) deferrable initially deferred;
comment on column pdfprompt_part.kind is 'Of the source: html, url, markdown, template, files.';
comment on column pdfprompt_part.has_files is 'Whether it has rows in pdfprompt_part_file';
comment on column pdfprompt_part.template_version is 'What a source of the kind template prints; empty for a draft, whose files are the part''s own.';
create index pdfprompt_part_template_version on pdfprompt_part (template_version) where template_version is not null;

alter table pdfprompt_job add column templates text[];
comment on column pdfprompt_job.templates is 'The templates and versions that its parts are printed from: invoice@7. Empty: none.';

-- When a document is erased, by any release, nothing of it refers to an asset or a template any longer.
create function pdfprompt_release_part() returns trigger language plpgsql as $$
begin
  delete from pdfprompt_part_file f where f.job_id = new.job_id and f.position = new.position;
  new.has_files := false;
  new.template_version := null;
  return new;
end $$;
create trigger pdfprompt_release_part before update of content, data on pdfprompt_part
  for each row when (num_nonnulls(new.content, new.data) = 0 and (old.has_files or old.template_version is not null))
  execute function pdfprompt_release_part();

do $$
begin
  execute format('alter function pdfprompt_disown_asset set search_path = pg_catalog, %I, pg_temp', current_schema());
  execute format('alter function pdfprompt_release_part set search_path = pg_catalog, %I, pg_temp', current_schema());
end $$;

-- Row-level security between tenants, as for the other tables (0009).
grant select on pdfprompt_asset, pdfprompt_asset_chunk, pdfprompt_template, pdfprompt_template_version,
  pdfprompt_template_file, pdfprompt_part_file to pdfprompt_tenant;

alter table pdfprompt_asset enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_asset using (true);
create policy pdfprompt_one_tenant on pdfprompt_asset as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

alter table pdfprompt_asset_chunk enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_asset_chunk using (true);
create policy pdfprompt_one_tenant on pdfprompt_asset_chunk as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or (select a.user_id from pdfprompt_asset a where a.id = asset_id)
    = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

alter table pdfprompt_template enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_template using (true);
create policy pdfprompt_one_tenant on pdfprompt_template as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

alter table pdfprompt_template_version enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_template_version using (true);
create policy pdfprompt_one_tenant on pdfprompt_template_version as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or user_id = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

alter table pdfprompt_template_file enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_template_file using (true);
create policy pdfprompt_one_tenant on pdfprompt_template_file as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or (select v.user_id from pdfprompt_template_version v where v.id = version_id)
    = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);

alter table pdfprompt_part_file enable row level security, force row level security;
create policy pdfprompt_everybody on pdfprompt_part_file using (true);
create policy pdfprompt_one_tenant on pdfprompt_part_file as restrictive to pdfprompt_tenant
  using (current_user <> 'pdfprompt_tenant' or (select j.user_id from pdfprompt_job j where j.id = job_id)
    = nullif(current_setting('pdfprompt.tenant', true), '')::uuid);
