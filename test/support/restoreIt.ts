/** Runs before each test file. `it.layer` replaces `it.effect` and its siblings for good, and files share one `it`. */
import { effect, flakyTest, it, layer, live, prop, scoped, scopedLive } from "@effect/vitest"

Object.assign(it, { effect, flakyTest, layer, live, prop, scoped, scopedLive })
