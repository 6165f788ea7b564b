const CODE = /^(?<fence>`{3,}|~{3,}).*?^\k<fence>|`[^`\n]*`/gms;
const LINK = /\]\((?<inline>[^)\s]+)[^)]*\)|^\[[^\]]+\]:\s*(?<reference>\S+)/gm;
const ADDRESS = /^[a-z][a-z0-9+.-]*:|^\/\//i;

/**
 * The relative links of a Markdown text that lead nowhere. `read` answers a target's text, "" for a folder or a file
 * without headings, undefined for one that is not there; the empty target is the text's own file.
 */
export function brokenLinks(text: string, read: (target: string) => string | undefined): string[] {
  return [...text.replace(CODE, "").matchAll(LINK)]
    .map(({ groups = {} }) => groups["inline"] ?? groups["reference"] ?? "")
    .filter((link) => !ADDRESS.test(link))
    .filter((link) => {
      const [target = "", anchor] = link.split("#");
      const found = read(decodeURI(target));
      return found === undefined || (anchor !== undefined && !anchorsOf(found).has(anchor));
    });
}

/** The anchors that GitHub gives to the headings of a text: a repeated one gets a number. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const withoutFences = text.replace(/^(`{3,}|~{3,}).*?^\1/gms, "");
  for (const [, heading = ""] of withoutFences.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let repeated = 1; anchors.has(anchor); repeated += 1) anchor = `${slug}-${repeated}`;
    anchors.add(anchor);
  }
  return anchors;
}
