// SPDX-License-Identifier: Apache-2.0
// policy as its own main starts it, with crash points.
import { runUnderTest } from '../../../policy/mains/under-test.ts'
import { crashIfArmed } from '../armed.ts'

await runUnderTest({
  crash: {
    beforeAppend: () => crashIfArmed('before-append'),
    afterAppendBeforeAnswer: () => crashIfArmed('after-fsync-before-answer'),
  },
})
