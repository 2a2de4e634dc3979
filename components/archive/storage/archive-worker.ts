// SPDX-License-Identifier: Apache-2.0
// Runs in the worker threads of the archive's store.
import { serve } from '../../kit/store/serve.ts'
import { openOperations } from './operations.ts'
import { APPLICATION_ID, migrations } from './schema.ts'

serve({ migrations, applicationId: APPLICATION_ID, operations: openOperations() })
