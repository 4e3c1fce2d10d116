// Composition: what the blob cache and its store are told to be, from the settings.

import { isAbsolute, join } from 'node:path'
import type { BlobSettings, StoreThreadOptions } from './cache/blob/index.ts'
import type { Settings } from './config/index.ts'

export function blobSettingsOf(settings: Settings): BlobSettings {
  return {
    l1AdmitBytesMax: settings.l1AdmitBytesMax,
    blobBytesMax: settings.blobBytesMax,
    namespacesMax: settings.namespacesMax,
    metadataKeysMax: settings.metadataKeysMax,
    metadataBytesMax: settings.metadataBytesMax,
    labelsMax: settings.labelsMax,
    leaseTtlMs: settings.leaseTtl,
    policy: {
      ttlMs: undefined,
      expiresAtMs: undefined,
      bytesMax: undefined,
      admission: 'auto',
      priority: settings.blobPriority,
      idleTtlMs: settings.idleTtl,
      staleWindowMs: settings.staleWindow,
      staleIfErrorMs: settings.staleIfError,
      jitterPercent: settings.jitterPercent,
    },
    promotion: {
      policy: settings.promotionPolicy,
      requestsMax: settings.promotionQueueMax,
      bytesMax: settings.promotionBytesMax,
      batch: settings.promotionBatch,
      marksMax: settings.promotionMarksMax,
    },
    queue: {
      requestsMax: settings.l2QueueMax,
      bytesMax: settings.l2QueueBytesMax,
      readTimeoutMs: settings.l2ReadTimeout,
    },
    store: {
      bytesMax: settings.l2BytesMax,
      compression: {
        enabled: settings.l2Compression === 'on',
        bytesMin: settings.l2CompressionBytesMin,
        ratioMax: Number(settings.l2CompressionRatioMax),
        valueBytesMax: settings.blobBytesMax,
      },
      synopsisBytesMax: settings.synopsisBytesMax,
      synopsisKeysInitial: settings.synopsisKeysInitial,
      commitIntervalMs: settings.l2CommitInterval,
      commitBytesMax: settings.l2CommitBytesMax,
      retryDelayMs: settings.l2RetryDelay,
      backgroundWriter: {
        enabled: settings.bgwriter === 'on',
        delayMs: settings.bgwriterDelay,
        pagesMax: settings.bgwriterPagesMax,
        multiplier: Number(settings.bgwriterLruMultiplier),
        dirtyFractionMax: Number(settings.bgwriterDirtyFractionMax),
      },
      sweepIntervalMs: settings.sweepInterval,
      sweepOnStart: settings.sweepOnStart === 'on',
      sweepLimits: { entriesMax: settings.sweepEntriesMax, msMax: settings.sweepMsMax },
    },
  }
}

/** Undefined: there is no second tier (L2-45). */
export function storeOptionsOf(settings: Settings, dataDirectory: string): StoreThreadOptions | undefined {
  const { l2Path, l2BytesMax, l2FileBytesMax } = settings
  if (l2Path === '') return undefined
  return {
    directory: isAbsolute(l2Path) ? l2Path : join(dataDirectory, l2Path),
    clear: settings.l2ClearOnStart === 'on',
    store: {
      pageSize: 2 ** Math.floor(Math.log2(settings.l2PageSize)),
      poolBytes: settings.pagePoolBytesMax,
      poolPolicy: settings.pagePoolPolicy,
      fileBytesMax: l2FileBytesMax === 0 ? Math.floor(l2BytesMax * 1.25) + (64 << 20) : l2FileBytesMax,
      onDamage: settings.l2OnDamage,
    },
    settings: blobSettingsOf(settings).store,
  }
}
