// SPDX-License-Identifier: Apache-2.0
// Runs in the worker threads of the store.
import { serve } from '../../kit/store/serve.ts'
import { openService } from './operations.ts'

serve(openService())
