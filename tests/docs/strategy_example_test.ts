/** The test that is documented beside the example of a strategy file. */
import "../../docs/strategies/second_look_test.ts";
