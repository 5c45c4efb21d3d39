/** Reads what a command of the library declares: its description and its options. */
import * as CliConfig from "@effect/cli/CliConfig"
import * as CommandDescriptor from "@effect/cli/CommandDescriptor"
import type * as HelpDoc from "@effect/cli/HelpDoc"
import type * as Span from "@effect/cli/HelpDoc/Span"

/** An option as a command declares it. */
export interface DeclaredOption {
  /** Name and value, as in `--port PORT`. */
  readonly usage: string
  readonly name: string
  readonly about: string
  readonly isRequired: boolean
  readonly isRepeated: boolean
}

/** @internal */
export interface Declared {
  readonly name: string
  readonly description: string
  readonly options: ReadonlyArray<DeclaredOption>
}

/** A command, for the help. */
export interface Described {
  readonly descriptor: CommandDescriptor.Command<unknown>
}

const spanText = (span: Span.Span): string => {
  switch (span._tag) {
    case "Sequence":
      return spanText(span.left) + spanText(span.right)
    case "Highlight":
    case "Strong":
    case "Weak":
      return spanText(span.value)
    case "Text":
    case "URI":
      return span.value
  }
}

/** The paragraphs of a document, as plain text. */
export const paragraphs = (doc: HelpDoc.HelpDoc): ReadonlyArray<string> => {
  switch (doc._tag) {
    case "Empty":
    case "Header":
      return []
    case "Paragraph":
      return [spanText(doc.value)].filter((text) => text !== "")
    case "Sequence":
      return [...paragraphs(doc.left), ...paragraphs(doc.right)]
    case "Enumeration":
      return doc.elements.flatMap(paragraphs)
    case "DescriptionList":
      return doc.definitions.flatMap(([span, doc]) => [spanText(span), ...paragraphs(doc)])
  }
}

const definitions = (doc: HelpDoc.HelpDoc): ReadonlyArray<readonly [Span.Span, HelpDoc.HelpDoc]> =>
  doc._tag === "Sequence"
    ? [...definitions(doc.left), ...definitions(doc.right)]
    : doc._tag === "DescriptionList"
    ? doc.definitions
    : []

// The first paragraph describes the type of the value, and those after the second one the parser. The second paragraph is
// the description of the option, which contains all of it.
const declaredOption = ([span, doc]: readonly [Span.Span, HelpDoc.HelpDoc]): DeclaredOption => {
  const usage = spanText(span)
  const about = paragraphs(doc)[1] ?? ""
  return {
    usage,
    name: usage.split(" ")[0] ?? usage,
    about,
    isRequired: about.endsWith("(required)"),
    isRepeated: usage.endsWith("...")
  }
}

const config = CliConfig.make({ showBuiltIns: false })

/** @internal */
export const read = ({ descriptor }: Described): Declared => {
  const doc = CommandDescriptor.getHelp(descriptor, config)
  const options = definitions(doc).map(declaredOption)
  return {
    name: [...CommandDescriptor.getNames(descriptor)].join(),
    description: paragraphs(doc)[0] ?? "",
    options
  }
}
