// SPDX-License-Identifier: Apache-2.0
// See killing.ts.
import { killing } from './killing.ts'

killing('ejabberd')
