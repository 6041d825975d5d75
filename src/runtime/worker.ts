import { mergeItems } from '../batches/merge-items.ts';
import { AssetReader } from '../assets/asset-reader.ts';
import { EgressPolicy } from '../egress/policy.ts';
import { Finisher } from '../finishing/finisher.ts';
import { Merger } from '../finishing/merger.ts';
import type { StepList } from '../finishing/step.ts';
import { PartContents } from '../jobs/part-content.ts';
import { readRequest } from '../jobs/read-request.ts';
import { temporaryDirectory } from '../render/temporary-space.ts';
import type { Renderer } from '../render/renderer.ts';
import { Concurrency } from '../worker/concurrency.ts';
import { Dispatcher } from '../worker/dispatcher.ts';
import { withoutNetwork } from '../kernel/confined-process.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { MEGABYTE } from '../kernel/units.ts';
import { Maintenance } from '../worker/maintenance.ts';
import { PauseKeeper } from '../worker/pause-keeper.ts';
import { Reaper } from '../worker/reaper.ts';
import { Registration } from '../worker/registration.ts';
import { RoomWatch } from '../worker/room-watch.ts';
import { StoreWatch } from '../worker/store-watch.ts';
import type { Config } from '../config/load.ts';
import type { Events } from '../telemetry/events.ts';
import type { Base, Overrides } from './compose.ts';
import { buildComposer } from './composer.ts';
import type { Progress } from './acquire-database.ts';
import { VERSION } from './version.ts';
import { buildRenderer } from './renderer.ts';
import { signerReader } from './signer.ts';
import { maxRetentionSeconds } from './max-retention-seconds.ts';

export interface Worker {
  renderer: Renderer;
  /** started in this order, after the base's */
  services: Service[];
  /** Ends the grace period of a stop. */
  forceStop(): void;
  /** Called before a stop because of an error that nothing caught. @param jobId the job that the code ran for, if that is known */
  blame(jobId: string | undefined): void;
}

/** The rendering side of a process. @throws OperatorError if there is no Chromium */
export async function buildWorker(
  base: Base,
  { onProgress, overrides = {} }: { onProgress: Progress; overrides?: Overrides },
): Promise<Worker> {
  const {
    config,
    directUrl,
    db,
    adminDb,
    queue,
    notifier,
    store,
    stores,
    assetStores,
    events,
    tracing,
    health,
    database,
  } = base;
  const { readMemory: read, steps } = overrides;
  const renderer = overrides.renderer ?? (await buildRenderer({ ...base, onProgress, readMemory: read }));
  const finisher = buildFinisher({ config, events, steps });
  const merger = buildMerger({ config, events });
  renderer.sharesMemoryWith({
    get jobs() {
      return finisher.jobs + merger.jobs;
    },
    freeMemory: () => {
      finisher.freeMemory();
      merger.freeMemory();
    },
  });
  const registration = new Registration({
    db,
    queue,
    url: directUrl,
    connectTimeoutMs: config.databaseConnectTimeoutMs,
    concurrency: config.workerConcurrency.max,
    version: VERSION,
    events,
  });
  const composer = buildComposer({ config, events });
  const assets = new AssetReader({ db, assetStores, cacheBytes: config.assetCacheMb * MEGABYTE });
  const egress = new EgressPolicy(config.egress);
  const storeWatch = new StoreWatch({ db, store, events });
  const roomWatch = new RoomWatch({ events });
  const dispatcher = new Dispatcher({
    db,
    queue,
    notifier,
    registration,
    stores,
    events,
    tracing,
    renderer,
    finisher,
    contents: new PartContents({
      db,
      assets,
      stores,
      composer,
      caps: { maxBytes: config.pdfMaxBytes, maxTotalBytes: config.documentMemoryLimitMb * MEGABYTE },
    }),
    readRequest: (job, signal) =>
      readRequest({ db, assetStores, assetBytes: config.assetsMaxMb * MEGABYTE, egress, maxRetentionSeconds: maxRetentionSeconds(config) }, job, signal), // prettier-ignore
    mergeItems: (batch, context) =>
      mergeItems({ db, stores, merger, caps: { maxPages: config.mergedMaxPages } }, batch, context),
    storeWatch,
    needs: [roomWatch.condition],
    concurrency: new Concurrency(config.workerConcurrency),
    batchSize: config.batchSize,
    graceMs: config.shutdownGraceMs,
    retentionMs: config.pdfRetentionMs,
  });
  events.metrics.watchSlots(() => dispatcher.slots);
  // A claim may hang while the database is unavailable. A restart would not help.
  health.addLivenessCheck('dispatcher', () => Math.min(dispatcher.stalledForMs, database.okMs));
  health.needs(registration.condition);
  events.metrics.watchRegistration(() => registration.condition.isOk);
  for (const { condition } of [storeWatch, roomWatch]) health.needs(condition);
  base.diskWatch.add('temporary', temporaryDirectory());
  events.metrics.watchRoom(store, {
    store: () => storeWatch.condition.isOk,
    temporary: () => roomWatch.condition.isOk,
  });
  health.addLivenessCheck('browser', () => renderer.browserlessMs);
  const reaper = new Reaper({ db, queue, registration, events });
  const maintenance = new Maintenance({
    db: adminDb,
    queue,
    stores,
    retentionMs: config.pdfRetentionMs,
    config,
    events,
  });
  return {
    renderer,
    services: [
      renderer,
      finisher,
      merger,
      composer,
      registration,
      reaper,
      maintenance,
      new PauseKeeper({ db: adminDb, queue, events }),
      storeWatch,
      roomWatch,
      dispatcher,
    ],
    forceStop: () => dispatcher.forceStop(),
    blame: (jobId) => dispatcher.blame(jobId),
  };
}

/** What is done with PDFs after they are printed. @param steps instead of the product's */
export function buildFinisher(input: { config: Config; events: Events; steps?: StepList | undefined }): Finisher {
  const { config, events, steps } = input;
  void withoutNetwork(); // is tried out beside what starts before the finisher
  return new Finisher({
    caps: {
      maxBytes: config.pdfMaxBytes,
      maxPages: config.pdfMaxPages,
      memoryBytes: config.documentMemoryLimitMb * MEGABYTE,
    },
    isolation: config.renderIsolation,
    events,
    readSigner: signerReader(config),
    ...(steps && { steps }),
  });
}

/** What makes one PDF of the items of a batch. */
function buildMerger({ config, events }: { config: Config; events: Events }): Merger {
  return new Merger({
    caps: {
      maxBytes: config.mergedMaxMb * MEGABYTE,
      maxPages: config.mergedMaxPages,
      memoryBytes: config.documentMemoryLimitMb * MEGABYTE,
    },
    events,
  });
}
