"""What a call costs: before it is made, after it, and with prices of your own."""

from __future__ import annotations

from dragoman import completion, completion_cost, cost, cost_bounds, dollars, get_model_info, register_model

QUESTION = [{"role": "user", "content": "Why is the sky blue?"}]


def main(model: str = "openai/gpt-6-luna") -> None:
    bounds = cost_bounds(model, QUESTION, max_tokens=200)
    if bounds.upper is not None:
        print(f"at most ${dollars(bounds.upper)}")

    response = completion(model, QUESTION, mock_response="Air scatters blue light more than red.", max_tokens=200)
    found = cost(response)
    for line in found.lines:
        print(f"{line.count:6} {line.bucket:10} ${dollars(line.amount)}")
    print(f"{completion_cost(response):.10f} dollars, by {found.source}")

    register_model({"vllm/our-llama": {"input_cost_per_token": 1e-7, "output_cost_per_token": "4e-7"}})
    print(get_model_info("vllm/our-llama")["output_cost_per_token"])
    print(f"at our own price: ${dollars(cost(response, 'vllm/our-llama').total or 0)}")


if __name__ == "__main__":
    main()
