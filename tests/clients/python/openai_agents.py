import asyncio

from agents import Agent, ModelSettings, Runner, function_tool, set_tracing_disabled
from openai.types.shared import Reasoning
from pydantic import BaseModel

set_tracing_disabled(True)


class Result(BaseModel):
    answer: int


@function_tool
def add(a: int, b: int) -> str:
    """Adds two numbers."""
    return str(a + b)


def agent(model, **options):
    settings = ModelSettings(reasoning=Reasoning(summary="auto"))
    return Agent(name="a", model=model, model_settings=settings, **options)


def answer(model, question):
    return {"text": Runner.run_sync(agent(model), question).final_output}


def stream(model, question):
    async def run():
        text, thinking = "", ""
        async for event in Runner.run_streamed(agent(model), question).stream_events():
            if event.type != "raw_response_event":
                continue
            if event.data.type == "response.output_text.delta":
                text += event.data.delta
            if event.data.type == "response.reasoning_summary_text.delta":
                thinking += event.data.delta
        return {"text": text, "thinking": thinking}

    return asyncio.run(run())


def tools(model, question):
    return {"text": Runner.run_sync(agent(model, tools=[add]), question).final_output}


def structured(model, question):
    return Runner.run_sync(agent(model, output_type=Result), question).final_output.model_dump()
