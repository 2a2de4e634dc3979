// SPDX-License-Identifier: Apache-2.0
// The worker thread that writes a file snapshot.
import { serve } from '../store/serve.ts'
import { SNAPSHOT_MARK } from './snapshot-folder.ts'
import { migrations, operations } from './snapshot-operations.ts'

serve({ migrations, operations, applicationId: SNAPSHOT_MARK })
