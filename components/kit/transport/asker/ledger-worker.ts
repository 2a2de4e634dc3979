// SPDX-License-Identifier: Apache-2.0
// The worker thread that writes an asker's ledger.
import { serve } from '../../store/serve.ts'
import { LEDGER_MARK } from './ledger-mark.ts'
import { migrations, operations } from './ledger-operations.ts'

serve({ migrations, operations, applicationId: LEDGER_MARK })
