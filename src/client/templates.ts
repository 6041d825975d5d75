import type { Preview, Template, TemplateContent, TemplateVersion } from './api-types.ts';
import type { CallOptions, Connection } from './connection.ts';
import { type WaitOptions } from './deadline.ts';
import type { Download } from './download.ts';
import { requestBody } from './jobs.ts';
import { pages } from './pages.ts';
import type { Printer } from './printer.ts';
import type { Uploads } from './upload.ts';

/** A template; its files may come with the call instead. */
export type NewTemplate = Omit<TemplateContent, 'files'> & Partial<Pick<TemplateContent, 'files'>>;

export interface TemplateOptions extends CallOptions {
  /** files of the template's folder: they are sent with the request */
  files?: Uploads | undefined;
}

export class Templates {
  readonly #connection: Connection;
  readonly #printer: Printer;

  constructor(connection: Connection, printer: Printer) {
    this.#connection = connection;
    this.#printer = printer;
  }

  /** Saves a template. What differs from the newest version becomes a new one. */
  async put(name: string, template: NewTemplate, { files, signal }: TemplateOptions = {}): Promise<Template> {
    const body = await requestBody(template, files);
    return this.#connection.json({ method: 'PUT', path: templatePath(name), body, signal });
  }

  /** @param name its newest version, or with a version: `invoice@7` */
  async get(name: string, { signal }: CallOptions = {}): Promise<Template> {
    return this.#connection.json({ method: 'GET', path: templatePath(name), signal });
  }

  /** Your templates by name, each its newest version. */
  list(options: CallOptions = {}): AsyncGenerator<TemplateVersion, void, undefined> {
    return pages(this.#connection, 'templates', options);
  }

  /** The versions of a template, newest first. */
  versions(name: string, options: CallOptions = {}): AsyncGenerator<TemplateVersion, void, undefined> {
    return pages(this.#connection, `${templatePath(name)}/versions`, options);
  }

  /** Deletes a template with all its versions. */
  async delete(name: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#connection.delete(templatePath(name), { signal });
  }

  /** Prints a template that need not be saved. */
  async preview(name: string, preview: Preview = {}, options: TemplateOptions & WaitOptions = {}): Promise<Download> {
    return this.#printer.print(`${templatePath(name)}/preview`, preview, options);
  }
}

const templatePath = (name: string) => `templates/${encodeURIComponent(name)}`;
