import { Command } from 'commander';
import { parseTemplateName, TEMPLATE_NAME_ALLOWED } from '../../domain/template-name.ts';
import { UsageError } from '../../kernel/errors.ts';
import { confirm } from '../confirm.ts';
import { print, printJson, printRows, warn } from '../output.ts';
import { pushTemplate } from '../push-template.ts';
import { type ServiceClient } from '../../kernel/service-client.ts';
import { serviceClient } from '../service-client.ts';
import { readConfig } from '../settings-flags.ts';
import { fetchFiles, type RemoteTemplate } from '../template-folder.ts';

type Options = Record<string, unknown> & { json?: boolean };

/** Templates on one page of a list. */
const PAGE = 100;

export function templatesCommand(): Command {
  return new Command('templates')
    .description('Templates of a running service, from a directory under version control')
    .addCommand(pushCommand())
    .addCommand(listCommand())
    .addCommand(pullCommand())
    .addCommand(deleteCommand());
}

function pushCommand(): Command {
  return new Command('push')
    .description('Save a directory as a template; if anything has changed it is a new version')
    .argument('<directory>', 'with index.html, index.liquid or index.md; hidden files and node_modules are left out')
    .option('--name <name>', 'of the template (default: that of the directory)')
    .option('--no-check', 'save it although it cannot be filled in with its own data.json')
    .option('--json', 'one JSON document on stdout')
    .action(async (directory: string, options: Options & { name?: string; check: boolean }) => {
      const config = readConfig(options);
      const client = await serviceClient(config);
      const { name, check } = options;
      const pushed = await pushTemplate(client, directory, { name, check, config });
      if (options.json) return printJson(pushed);
      print(`${pushed.name}@${pushed.version}`);
      warn(pushed.isNew ? 'It is a new version.' : 'Unchanged: it is the newest version already.');
    });
}

function listCommand(): Command {
  return new Command('list')
    .description('List the templates, each with its newest version')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: Options) => {
      const templates = await listAll(await serviceClient(readConfig(options)));
      if (options.json) return printJson(templates);
      if (templates.length === 0) return warn('There is no template yet. Type: pdfprompt templates push DIRECTORY');
      const rows = templates.map(({ name, version, createdAt, description }) => [
        `${name}@${version}`,
        createdAt,
        description ?? '',
      ]);
      printRows(rows, ['TEMPLATE', 'SAVED', 'DESCRIPTION']);
    });
}

async function listAll(client: ServiceClient): Promise<RemoteTemplate[]> {
  const all: RemoteTemplate[] = [];
  let cursor: string | null = null;
  do {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { data: RemoteTemplate[]; nextCursor: string | null } = await client.json({
      method: 'GET',
      path: `/v1/templates?limit=${PAGE}${after}`,
    });
    all.push(...page.data);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return all;
}

function pullCommand(): Command {
  return new Command('pull')
    .description('Write the files of a template into a directory')
    .argument('<name>', 'a template, or one of its versions: invoice, invoice@7')
    .argument('[directory]', 'where (default: the name)')
    .option('--force', 'replace files that differ')
    .option('--json', 'one JSON document on stdout')
    .action(async (text: string, directory: string | undefined, options: Options & { force?: boolean }) => {
      const { name } = templateNamed(text);
      const folder = directory ?? name;
      const client = await serviceClient(readConfig(options));
      const template = await client.json<RemoteTemplate>({ method: 'GET', path: `/v1/templates/${text}` });
      const written = await fetchFiles(client, template, { folder, force: options.force === true });
      const { version, files } = template;
      if (options.json) return printJson({ name, version, directory: folder, written });
      const rest = Object.keys(files).length - written.length;
      print(folder);
      warn(
        `${name}@${version} is in ${folder}: ${written.length} ${written.length === 1 ? 'file' : 'files'} written, ${rest} unchanged.`,
      );
    });
}

function deleteCommand(): Command {
  return new Command('delete')
    .description('Delete a template with all its versions; jobs that were accepted before still print it')
    .argument('<name>', 'as `pdfprompt templates list` has it, without a version')
    .option('--yes', 'without asking')
    .option('--json', 'one JSON document on stdout')
    .action(async (text: string, options: Options & { yes?: boolean }) => {
      const { name, version } = templateNamed(text);
      if (version !== undefined)
        throw new UsageError(`${text}: versions never change; allowed: ${name}, with all its versions`);
      const client = await serviceClient(readConfig(options));
      await confirm(`Delete ${name} with all its versions from ${client.url}?`, options);
      await client.send({ method: 'DELETE', path: `/v1/templates/${name}` });
      if (options.json) return printJson({ name });
      warn(`${name} is gone.`);
    });
}

function templateNamed(text: string) {
  const named = parseTemplateName(text);
  if (!named) throw new UsageError(`${JSON.stringify(text)}; ${TEMPLATE_NAME_ALLOWED}`);
  return named;
}
