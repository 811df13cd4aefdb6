"""COCO and Flickr30K by Karpathy's test split: captions find photos, photos captions."""

from fitrank_tf.evaluation.benchmark.task import PHOTO, TEXT, BenchmarkData, Task

_MEASURES = ("hit@1", "hit@5", "hit@10")


def caption_tasks(data: BenchmarkData) -> list[Task]:
    """Both directions; of COCO all 25,010 captions count, not five of each photo."""
    photos, captions, owners = {}, {}, {}
    for row in data.rows(partition="test"):
        photo = data.records.ids[row]
        photos[photo] = photo
        for number, caption in enumerate(data.captions[row]):
            name = f"{photo}#{number}"
            captions[name], owners[name] = caption, photo
    of_photo: dict[str, dict[str, int]] = {}
    for name, photo in owners.items():
        of_photo.setdefault(photo, {})[name] = 1
    return [
        Task(
            name="text to image",
            asks=TEXT,
            finds=PHOTO,
            queries=captions,
            documents=photos,
            qrels={name: {photo: 1} for name, photo in owners.items()},
            measures=_MEASURES,
        ),
        Task(
            name="image to text",
            asks=PHOTO,
            finds=TEXT,
            queries={photo: photo for photo in of_photo},
            documents=captions,
            qrels=of_photo,
            measures=_MEASURES,
            left_out=len(photos) - len(of_photo),
        ),
    ]
