/** The MCP project's server for tests of clients, over standard input and output. */
import "@modelcontextprotocol/server-everything/dist/transports/stdio.js";
