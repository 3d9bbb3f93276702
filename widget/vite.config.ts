import { fileURLToPath } from "node:url";

import { defineConfig, type Plugin } from "vite";

/*
 * One classic script with everything in it, beside the page that the assistant serves. The same sources give the same
 * bytes: a test of the repository builds it and compares.
 */
export default defineConfig({
  plugins: [onlyWhatIsUsed(), compactTemplates(), noGlobals()],
  resolve: { alias: { "socket.io-parser": fileURLToPath(new URL("src/text_packets.ts", import.meta.url)) } },
  json: { stringify: false },
  build: {
    outDir: "../infusion_guide/website",
    emptyOutDir: false, // other files are there, too
    copyPublicDir: false,
    target: "es2020",
    modulePreload: false,
    sourcemap: false,
    rolldownOptions: {
      input: "src/main.ts",
      treeshake: { moduleSideEffects: (id) => !/socket\.io|engine\.io/.test(id) },
      output: { format: "iife", entryFileNames: "widget.js" },
    },
  },
});

/**
 * Leaves out what Socket.IO has for other uses: transports that are not asked for, attachments, parsers of addresses
 * for browsers without URL, the way from polling to websockets (which come first here and never after polling), and
 * methods that nobody calls.
 */
function onlyWhatIsUsed(): Plugin {
  const transports = `import { Fetch } from "./polling-fetch.js"; import { WS } from "./websocket.node.js";
    export const transports = { websocket: WS, polling: Fetch };`;
  const parse = `export const parse = (text) => {
    const { hostname, protocol, port } = new URL(text);
    return { host: hostname.replace(/[[\\]]/g, ""), protocol: protocol.slice(0, -1), port };
  };`;
  const replaced: [RegExp, string][] = [
    [/engine\.io-client.*\/transports\/index\.js$/, transports],
    [/engine\.io-parser.*\/base64-arraybuffer\.js$/, "export const decode = () => undefined;"],
    [/engine\.io-client.*\/parseuri\.js$/, parse],
    [/engine\.io-client.*\/parseqs\.js$/, "export const encode = (query) => `${new URLSearchParams(query)}`, decode = () => ({});"],
  ];
  return {
    name: "only-what-is-used",
    enforce: "pre",
    transform(code, id) {
      const found = replaced.find(([path]) => path.test(id));
      if (found) return { code: found[1], map: null };
      if (!/(engine|socket)\.io-client.*\/socket\.js$/.test(id)) return undefined;
      const unused = /\n {4}(_probe|_addToQueue|emitWithAck|compress|\w+Any(Outgoing)?)\(.*\) \{[^]*?\n {4}\}(?=\n)/g;
      return { code: code.replace(unused, ""), map: null };
    },
  };
}

/** Blanks and comments inside of css and html templates, which a minifier has to keep. */
function compactTemplates(): Plugin {
  const compact = (css: string): string =>
    css
      .replace(/\/\*[^]*?\*\//g, "")
      .replace(/\s+/g, " ")
      .replace(/ ?([{};,>~]) ?/g, "$1")
      .replace(/: /g, ":")
      .replace(/;}/g, "}");
  return {
    name: "compact-templates",
    enforce: "pre",
    transform(code, id) {
      if (!/\/widget\/src\/.*\.ts$/.test(id)) return undefined;
      return {
        code: code
          .replace(/\bcss`[^`]*`/g, compact)
          .replace(/\n\s+/g, "\n")
          .replace(/>\n</g, "><"),
        map: null,
      };
    },
  };
}

/** Lit leaves four global variables behind, for warnings and decorators that are not used. A clinic's page gets none. */
function noGlobals(): Plugin {
  return {
    name: "no-globals",
    transform(code, id) {
      if (!/\/(lit-html|lit-element|@lit\/reactive-element)\//.test(id)) return undefined;
      const without = code
        .replace(/\(\w+\.\w+Versions\?\?=\[\]\)\.push\("[^"]*"\)/g, "0")
        .replace(/Symbol\.metadata\?\?=Symbol\("metadata"\),\w+\.(litPropertyMetadata)\?\?=/, "const $1=");
      return { code: without, map: null };
    },
  };
}
