// SPDX-License-Identifier: Apache-2.0
import { openService } from '../../../../components/archive/storage/operations.ts'
import { serve } from '../../../../components/kit/store/serve.ts'
import { crashIfArmed } from '../armed.ts'

serve({
  ...openService(),
  crashPoints: {
    'before-commit': () => crashIfArmed('before-commit'),
    'between-commits': () => crashIfArmed('between-commits'),
    'after-commit': () => crashIfArmed('after-commit'),
  },
})
