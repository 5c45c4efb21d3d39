import * as HashMap from "effect/HashMap"
import type { State } from "./state.js"

/** @internal */
export const set = (
  stored: State["tags"],
  arn: string,
  tags: { readonly [key: string]: string } | undefined
): State["tags"] => tags === undefined ? stored : HashMap.set(stored, arn, tags)
