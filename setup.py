"""Brings `saved_models/` into the package; all else of packaging is in pyproject.toml."""

from setuptools import find_packages, setup

SHIPPED = "fitrank_tf.saved_models"

setup(
<<<<<<< HEAD
    name="fitrank-tf",
    version="0.1.0",
    description="Fashion search: CLIP towers, image features and a neural re-ranker",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["fitrank_tf*"]),
    package_data={
        "fitrank_tf.datasets.annotations": ["*.json", "*.csv", "README.md"],
    },
    install_requires=[
        "apache-beam>=2.77",
        "grpcio",
        "grpcio-health-checking",
        "huggingface_hub",
        "ir-measures>=0.4.3",
        "keras>=3.15.1",
        "keras-cv>=0.9.0",
        "keras-hub>=0.32.0",
        "matplotlib>=3.10",
        "ml-dtypes",
        # Loops over pixels, compiled: colours and textures of a photo in microseconds.
        "numba>=0.63",
        "numpy>=2.0",
        # The headless build: servers and CI have no display libraries.
        "opencv-python-headless>=4.10",
        "pillow",
        "prometheus-client>=0.26",
        "pyarrow",
        "pycocotools>=2.0.8",
        "pytrec-eval-terrier",
        "scipy",
        "safetensors>=0.8",
        "scann[tf]>=1.4.2; platform_system == 'Linux'",
        "tensorflow>=2.20",
        "tensorflow-datasets>=4.9.10",
        "tensorflow-ranking>=0.5.5",
        "tensorflow-serving-api>=2.20",
        "tensorflow-text>=2.20",
        "tf-keras>=2.20",
        "threadpoolctl",
        "tokenizers",
        "tqdm",
    ],
    extras_require={
        "bench": [
            "faiss-cpu",
            "fastapi",
            "hnswlib",
            "jax",
            "lightgbm",
            "open_clip_torch",
            "peft",
            "scikit-learn",
            "torch",
            "transformers",
            "uvicorn[standard]",
        ],
        "demo": ["gradio"],
        "dev": [
            "cryptography",
            "pytest",
            "pytest-timeout",
            "pytest-xdist",
            "pyyaml",
            "ruff",
        ],
    },
=======
    packages=[*find_packages(include=["fitrank_tf*"]), SHIPPED],
    package_dir={SHIPPED: "saved_models"},
>>>>>>> main
)
