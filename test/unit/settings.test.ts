import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { flagOf, SETTING_LIST, type SettingName } from '../../src/config/settings.ts';

const load = (env: Record<string, string>, flags: Partial<Record<SettingName, string>> = {}) =>
  loadConfig({ env, flags, isRoot: false });

describe('settings', () => {
  it('have the defaults of the table', () => {
    expect(load({})).toMatchObject({
      databaseUrl: undefined,
      databaseMaxConnections: 20,
      databaseIdleTimeoutMs: 20_000,
      databaseConnectTimeoutMs: 10_000,
      port: 3000,
      host: '127.0.0.1',
      browserPoolSize: 10,
      browserMaxPages: 5,
      browserMaxAgeMs: 1_800_000,
      pdfStore: { kind: 'postgres' },
    });
  });

  it('take a flag over the environment, and an empty variable for one that is not set', () => {
    expect(load({ PORT: '4000' }, { port: '5000' }).port).toBe(5000);
    expect(load({ PORT: '' }).port).toBe(3000);
  });

  it('name every problem at once: variable, value, what is allowed', () => {
    const env = {
      PORT: 'abc',
      LOG_LEVEL: 'loud',
      DATABASE_MAX_CONNECTIONS: '1',
      PDF_STORE: 's3://bucket/a//b',
      DATABASE_PREPARE: 'yes',
    };
    expect(() => load(env, { host: 'a b' })).toThrow(
      [
        'The settings have 6 problems:',
        '  - DATABASE_MAX_CONNECTIONS: "1" is not allowed; allowed: a whole number from 6 to 1000',
        '  - DATABASE_PREPARE: "yes" is not allowed; allowed: true or false',
        '  - PORT: "abc" is not allowed; allowed: a whole number from 0 to 65535',
        '  - --host: "a b" is not allowed; allowed: an IP address or a host name',
        '  - PDF_STORE: "s3://bucket/a//b" is not allowed; allowed: postgres, an absolute directory as file:///…, or a bucket as s3://bucket or s3://bucket/prefix',
        '  - LOG_LEVEL: "loud" is not allowed; allowed: trace, debug, info, warn, error, fatal, silent',
      ].join('\n'),
    );
  });

  it('refuse a way past the pooler to a database that is not named', () => {
    const env = { DATABASE_DIRECT_URL: 'postgres://db/pdfprompt' };
    expect(() => load(env)).toThrow(
      'DATABASE_DIRECT_URL: it is the direct way to the database of DATABASE_URL, which is not set',
    );
    expect(load({ ...env, DATABASE_URL: 'postgres://pooler/pdfprompt' })).toMatchObject({
      databaseDirectUrl: env.DATABASE_DIRECT_URL,
    });
  });

  it('never show a secret that is wrong', () => {
    expect(() => load({ DATABASE_URL: 'mysql://root:hunter2@db' })).toThrow(/DATABASE_URL: its value is not allowed/);
    expect(() => load({ DATABASE_URL: 'mysql://root:hunter2@db' })).not.toThrow(/hunter2/);
  });

  it('refuse one that does not exist, and say what was meant', () => {
    expect(() => load({ DATABSE_URL: 'postgres://x' })).toThrow(
      'DATABSE_URL: there is no such setting; did you mean DATABASE_URL?',
    );
    expect(() => load({ PDFPROMPT_COLOUR: 'red' })).toThrow(
      /PDFPROMPT_COLOUR: there is no such setting; allowed: PDFPROMPT_DATA_DIR/,
    );
    expect(() => load({ HOSTNAME: 'x', PATH: '/bin', NODE_ENV: 'test' })).not.toThrow();
  });

  it('refuse what is allowed alone but not together', () => {
    expect(() => load({ PDFPROMPT_WORKER_CONCURRENCY: '20', BROWSER_POOL_SIZE: '2' })).toThrow(
      /20 documents do not fit BROWSER_POOL_SIZE × BROWSER_MAX_PAGES_PER_BROWSER = 10/,
    );
  });

  it('want a key for a bucket, and know where it is', () => {
    const key = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'hush' };
    expect(() => load({ PDF_STORE: 's3://bucket' })).toThrow(
      /2 problems:\n {2}- AWS_ACCESS_KEY_ID: it is not set[^\n]+\n {2}- AWS_SECRET_ACCESS_KEY: it is not set/,
    );
    expect(load({ PDF_STORE: 's3://bucket', ...key })).toMatchObject({
      pdfStore: { kind: 's3', bucket: 'bucket', prefix: '' },
      s3: { endpoint: undefined, region: 'us-east-1', accessKeyId: 'id', secretAccessKey: 'hush' },
    });
    const elsewhere = { S3_ENDPOINT: 'http://minio:9000', S3_REGION: 'eu-1' };
    expect(load({ PDF_STORE: 's3://my.bucket/a/b/', ...key, ...elsewhere })).toMatchObject({
      pdfStore: { kind: 's3', bucket: 'my.bucket', prefix: 'a/b' },
      s3: { endpoint: 'http://minio:9000', region: 'eu-1' },
    });
    expect(load(key).pdfStore).toEqual({ kind: 'postgres' });
  });

  it.each(['s3://', 's3://B', 's3://bucket/..', 's3://bucket/a/../b', 's3://bucket/a b', 'S3://bucket'])(
    'refuse %s as a bucket',
    (PDF_STORE) => {
      expect(() => load({ PDF_STORE })).toThrow(`PDF_STORE: ${JSON.stringify(PDF_STORE)} is not allowed`);
    },
  );

  it.each(['minio:9000', 'ftp://minio', 'http://user:pass@minio', 'http://minio/?a', 'http://minio/#a'])(
    'refuse %s as the address of a service',
    (S3_ENDPOINT) => {
      expect(() => load({ S3_ENDPOINT })).toThrow(`S3_ENDPOINT: ${JSON.stringify(S3_ENDPOINT)} is not allowed`);
    },
  );

  it('apply the ceiling to auto too', () => {
    expect(load({ MAX_PDF_CONCURRENCY: '1' }).workerConcurrency).toEqual({ initial: 1, max: 1 });
    expect(load({ BROWSER_POOL_SIZE: '3', BROWSER_MAX_PAGES_PER_BROWSER: '2' }).workerConcurrency.max).toBe(6);
    expect(load({ PDFPROMPT_WORKER_CONCURRENCY: '4' }).workerConcurrency).toEqual({ initial: 4, max: 4 });
  });

  it('have flags and variables of their own', () => {
    expect(new Set(SETTING_LIST.map(flagOf)).size).toBe(SETTING_LIST.length);
    expect(new Set(SETTING_LIST.map((setting) => setting.env)).size).toBe(SETTING_LIST.length);
  });
});
