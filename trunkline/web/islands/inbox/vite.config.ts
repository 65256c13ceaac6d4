import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// One script and one style sheet under fixed names: the server adds a digest of their content to the address.
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "built",
    target: "es2022",
    // light-dark() stays as it is: the pages around need it too.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: false,
    cssCodeSplit: false,
    rolldownOptions: {
      input: "src/main.ts",
      output: { entryFileNames: "inbox.js", assetFileNames: "inbox[extname]", codeSplitting: false },
    },
  },
});
