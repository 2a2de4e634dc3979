// SPDX-License-Identifier: Apache-2.0
// Runs in the worker threads of a transport's store.
import { serve } from '../../store/serve.ts'
import { MIGRATIONS, operations } from './operations.ts'

serve({ migrations: MIGRATIONS, operations, applicationId: 0x47485472 })
