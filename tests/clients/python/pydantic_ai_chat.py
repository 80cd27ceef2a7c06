import asyncio

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, PartDeltaEvent, PartStartEvent
from pydantic_ai.models.openai import OpenAIChatModel


class Result(BaseModel):
    answer: int


def add(a: int, b: int) -> str:
    """Adds two numbers."""
    return str(a + b)


def agent(model, **options):
    return Agent(OpenAIChatModel(model), **options)


def answer(model, question):
    return {"text": agent(model).run_sync(question).output}


def stream(model, question):
    parts = {"text": "", "thinking": ""}

    async def handle(_context, events):
        async for event in events:
            if isinstance(event, PartStartEvent) and event.part.part_kind in parts:
                parts[event.part.part_kind] += event.part.content
            if isinstance(event, PartDeltaEvent) and event.delta.part_delta_kind in parts:
                parts[event.delta.part_delta_kind] += event.delta.content_delta or ""

    asyncio.run(agent(model).run(question, event_stream_handler=handle))
    return parts


def tools(model, question):
    return {"text": agent(model, tools=[add]).run_sync(question).output}


def structured(model, question):
    return agent(model, output_type=NativeOutput(Result)).run_sync(question).output.model_dump()
