import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'hono';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import type { ConsoleSession } from '../accounts/console-sessions.ts';
import type { Limiter } from '../accounts/limits.ts';
import type { Principal, Principals } from '../accounts/principals.ts';
import type { Database } from '../db/pools.ts';
import type { SettingInForce } from '../config/settings-in-force.ts';
import type { ReadRouter } from '../db/read-router.ts';
import type { EventHub } from '../deliveries/event-hub.ts';
import type { Scope } from '../domain/scope.ts';
import { traceIdOf } from '../domain/trace-context.ts';
import type { EgressPolicy } from '../egress/policy.ts';
import type { Finisher } from '../finishing/finisher.ts';
import type { JobReader } from '../jobs/job-reader.ts';
import type { JobWaiters } from '../jobs/waiters.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { Health } from '../kernel/health.ts';
import type { LinkKeys } from '../links/link-keys.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { Stores } from '../storage/stores.ts';
import type { AdminAbout, RequestAbout } from '../telemetry/about.ts';
import type { Events } from '../telemetry/events.ts';
import type { Span } from '../telemetry/span.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { Composer } from '../templating/composer.ts';
import type { UnderWay } from './under-way.ts';
import type { UploadSpace } from './upload-space.ts';

export interface AppEnv {
  /** Node's request and response */
  Bindings: { incoming: IncomingMessage; outgoing: ServerResponse };
  Variables: {
    requestId: string;
    /** the trace span of the request */
    span: Span;
    /** shared by all requests */
    underWay: UnderWay;
    /** set by authentication */
    principal: Principal;
    /** set in the console and the studio if somebody is signed in */
    session: ConsoleSession | undefined;
    /** set in the studio: the style sheets that a script makes are allowed by it */
    nonce: string | undefined;
  };
}

export type AppContext = Context<AppEnv>;

/** The ids of a request in logs and traces. */
export function aboutOf({ var: { requestId, span } }: AppContext): RequestAbout {
  return { requestId, traceId: traceIdOf(span.traceparent) };
}

/** The same, with the id of the admin key. */
export function adminAboutOf(c: AppContext): AdminAbout {
  return { by: c.var.principal.keyId, ...aboutOf(c) };
}

/** Which other services' routes there are, and for whom. */
export interface CompatSettings {
  services: readonly ('gotenberg' | 'browserless')[];
  /** email of the user whose requests without a key are; undefined: a key is required */
  user: string | undefined;
  /** milliseconds that a request may take */
  timeoutMs: number;
}

/** What a check of this process has found. */
export interface Finding {
  /** what was checked */
  name: string;
  status: 'ok' | 'warn' | 'fail';
  message: string;
  /** what to type, if something is to be done */
  fix?: string;
}

/** The dependencies of all routes and of the console. */
export interface AppDeps {
  db: Database;
  principals: Principals;
  limiter: Limiter;
  /** where webhooks and uploads may go */
  egress: EgressPolicy;
  /** seconds that a request may ask for as its retention, at most */
  maxRetentionSeconds: number;
  /** the routes of other services */
  compat: CompatSettings;
  /** where this process answers, on this machine */
  ownUrl: () => string;
  /** where users reach the API, without a slash at its end */
  publicUrl: string | undefined;
  /** origins of web pages that may call the API */
  corsOrigins: readonly string[];
  jobs: JobReader;
  /** reads of one tenant, under row-level security (`db/tenant.ts`) */
  reads: Database;
  /** the same, from a replica if one is configured */
  readRouter: ReadRouter;
  /** for the routes below `/v1/admin` and the console */
  adminDb: Database;
  queue: JobQueue;
  waiters: JobWaiters;
  /** everybody who listens to events of jobs */
  hub: EventHub;
  stores: Stores;
  linkKeys: LinkKeys;
  /** makes the console's small pictures of PDFs */
  pictures: Pick<Finisher, 'finish'>;
  /** where the files of documents are kept */
  assetStores: Stores;
  /** bytes of all files of one tenant, at most */
  assetBytes: number;
  /** where what is sent is kept until its request ends */
  uploads: UploadSpace;
  /** the same for batches */
  batchUploads: UploadSpace;
  /** checks their rows by the schema of a template, and makes HTML of markdown */
  composer: Pick<Composer, 'check' | 'compose'>;
  events: Events;
  version: string;
  /** the settings of this process, for people */
  settings: readonly SettingInForce[];
  /** checks what this process needs; it takes some seconds at most */
  examine: () => Promise<Finding[]>;
  health: Health;
  tracing: Tracing;
  underWay: UnderWay;
}

interface Verb {
  /** the path as OpenAPI writes it: `GET /v1/jobs/{id}` */
  endpoint: `${'GET' | 'POST' | 'PUT' | 'DELETE'} /${string}`;
  handle: (c: AppContext) => Promise<Response>;
}

/** One operation of the API: who may call it, its OpenAPI description and its handler. */
export interface Operation extends Verb, Omit<ZodOpenApiOperationObject, 'security'> {
  operationId: string;
  /** null: it needs no key */
  scope: Scope | null;
  /** its own errors; those of every operation, and of every JSON body, are added */
  problems?: ErrorCode[];
}

/** A route that needs no key, and is not in the OpenAPI document. */
export interface PublicRoute extends Verb {
  scope?: never;
}

export function publicRoute(path: `/${string}`, handle: PublicRoute['handle']): PublicRoute {
  return { endpoint: `GET ${path}`, handle };
}
