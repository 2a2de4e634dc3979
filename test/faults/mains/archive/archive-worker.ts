// SPDX-License-Identifier: Apache-2.0
import { openOperations } from '../../../../components/archive/storage/operations.ts'
import { APPLICATION_ID, migrations } from '../../../../components/archive/storage/schema.ts'
import { serve } from '../../../../components/kit/store/serve.ts'
import { crashIfArmed } from '../armed.ts'

serve({
  migrations,
  applicationId: APPLICATION_ID,
  operations: openOperations(),
  crashPoints: {
    'before-commit': () => crashIfArmed('before-commit'),
    'after-commit': () => crashIfArmed('after-commit'),
  },
})
