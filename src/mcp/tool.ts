import type { z } from 'zod';
import { Refusal, type ServiceClient, Unreachable } from '../kernel/service-client.ts';

/** What a tool answers: texts and pictures, as the Model Context Protocol has them. */
export interface ToolAnswer {
  content: ({ type: 'text'; text: string } | { type: 'image'; data: string; mimeType: string })[];
  isError?: boolean;
  [key: string]: unknown;
}

/** Something that an agent can do. */
export interface Tool<Input extends z.ZodObject = z.ZodObject> {
  /** as agents call it */
  name: string;
  title: string;
  /** for the agent: what it does, and when to use it */
  description: string;
  input: Input;
  /** it changes nothing and counts as no job */
  isReadOnly: boolean;
  /**
   * @param origin where the agent reaches the service, for links; undefined: as the service itself says
   * @throws Refusal, Unreachable
   */
  run: (
    client: ServiceClient,
    input: z.output<Input>,
    signal: AbortSignal,
    origin: string | undefined,
  ) => Promise<ToolAnswer>;
}

/** A tool with the type of its input. */
export const tool = <Input extends z.ZodObject>(one: Tool<Input>): Tool => one;

/** A value as readable JSON. */
export const json = (value: unknown) => ({ type: 'text' as const, text: JSON.stringify(value, undefined, 2) });

/** What a service refused, for the agent that has to fix it. */
export function refusalAnswer({ message, code, problems }: Refusal): ToolAnswer {
  const lines = problems.map(({ field, message: why }) => `- ${field}: ${why}`);
  const text = [`${code === '' ? 'refused' : code}: ${message}`, ...(lines.length > 1 ? lines : [])].join('\n');
  return { content: [{ type: 'text', text }], isError: true };
}

/** Why a call failed, in words; undefined: it is no answer of the service */
export function problemOf(error: unknown): string | undefined {
  if (error instanceof Refusal) return `${error.code}: ${error.message}`;
  return error instanceof Unreachable ? error.message : undefined;
}
