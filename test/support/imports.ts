/** The packages that a module, or its types, imports; the examples in comments do not count. */
export const importedPackages = (text: string): ReadonlyArray<string> =>
  Array.from(
    text.matchAll(/^(?!\s*\*).*?(?:\bfrom |\bimport\(|^import )"([^".][^"]*)"/gm),
    ([, name = ""]) => name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/")
  ).filter((name) => !name.startsWith("node:"))
