import type { BackupContents } from '../backup/read-backup.ts';

/** What is in a backup, for people. */
export function backupText({ manifest, end }: BackupContents, bytes: number): string {
  const count = (table: string) => end.rows[table] ?? 0;
  const counts = [
    plural(count('pdfprompt_user'), 'user'),
    plural(count('pdfprompt_job'), 'job'),
    ...(end.files > 0 ? [`${plural(end.files, 'file')} of PDF_STORE`] : []),
    sizeText(bytes),
  ];
  return [
    `${counts.join(', ')}: as of ${manifest.takenAt}, by pdfprompt ${manifest.version} with Postgres ${manifest.postgres}.`,
    ...end.elsewhere.map(({ location, files }) => `Not in it: ${plural(files, 'file')} in ${location}. Keep that too.`),
    ...(end.missing > 0
      ? [
          `Not in it: ${plural(end.missing, 'file')} that the directory of PDF_STORE did not have. They were erased meanwhile, or are lost.`,
        ]
      : []),
  ].join('\n');
}

/** The same for programs. */
export function backupJson({ manifest, end }: BackupContents, bytes: number) {
  const { takenAt, version, postgres } = manifest;
  const { rows, files, missing, elsewhere } = end;
  return { takenAt, version, postgres, bytes, rows, files, missing, elsewhere };
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function sizeText(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
