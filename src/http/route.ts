import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'hono';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import type { ConsoleSession } from '../accounts/console-sessions.ts';
import type { Principal } from '../accounts/principals.ts';
import type { Scope } from '../domain/scope.ts';
import { traceIdOf } from '../domain/trace-context.ts';
import type { AdminAbout, RequestAbout } from '../telemetry/events.ts';
import type { Span } from '../telemetry/span.ts';
import type { UnderWay } from './under-way.ts';

export interface AppEnv {
  /** what the server has of the request, and of its answer */
  Bindings: { incoming: IncomingMessage; outgoing: ServerResponse };
  Variables: {
    requestId: string;
    /** of the whole request */
    span: Span;
    /** of all requests together */
    underWay: UnderWay;
    /** set behind authentication */
    principal: Principal;
    /** set in the console, for whoever is signed in */
    session: ConsoleSession | undefined;
  };
}

export type AppContext = Context<AppEnv>;

/** By what the log and the traces know a request. */
export function aboutOf({ var: { requestId, span } }: AppContext): RequestAbout {
  return { requestId, traceId: traceIdOf(span.traceparent) };
}

/** The same, and whose key it was. */
export function adminAboutOf(c: AppContext): AdminAbout {
  return { by: c.var.principal.keyId, ...aboutOf(c) };
}

interface Verb {
  method: 'get' | 'post' | 'put' | 'delete';
  /** as OpenAPI writes it: `/v1/jobs/{id}` */
  path: string;
  /** left out of the OpenAPI document if there is none */
  operation?: ZodOpenApiOperationObject;
  handle: (c: AppContext) => Promise<Response>;
}

/**
 * One verb: what it is called, who may use it, what OpenAPI says of it, what it does. It answers
 * without a key, or it needs one with the scope.
 */
export type Route = Verb & ({ isPublic: true; scope?: never } | { isPublic?: never; scope: Scope });
