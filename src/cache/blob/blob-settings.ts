// What the blob cache is told to be: one object, put together from the settings by whoever opens it.

import type { NameLimits } from './names.ts'
import type { Policy } from './policy.ts'
import type { PromotionSettings } from './promotion.ts'
import type { ClientLimits } from './store-client.ts'
import type { StoreSettings } from './store-messages.ts'

export interface BlobSettings extends NameLimits {
  /** Blobs of admission auto that are larger live in L2 alone. */
  readonly l1AdmitBytesMax: number
  readonly blobBytesMax: number
  readonly namespacesMax: number
  readonly leaseTtlMs: number
  /** What an entry gets for which neither the put nor its namespace says anything. */
  readonly policy: Policy
  readonly promotion: PromotionSettings
  readonly queue: ClientLimits
  readonly store: StoreSettings
}
