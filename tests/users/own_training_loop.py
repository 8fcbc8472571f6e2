"""A Keras developer's own training loop: TensorBoard scalars, checkpoints, then a verified file."""

import keras
import tensorflow as tf

import kerascnn

data = kerascnn.data.load("digits", image_size=32)
model = kerascnn.models.LeNet5(activation="relu", classes=10, classifier_activation=None)
optimizer = keras.optimizers.Adam(2e-3)
loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
accuracy = keras.metrics.SparseCategoricalAccuracy()
optimizer.build(model.trainable_variables)

checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
manager = tf.train.CheckpointManager(checkpoint, "checkpoints", max_to_keep=2)
writer = tf.summary.create_file_writer("logs")


@tf.function
def step(images, labels):
    with tf.GradientTape() as tape:
        loss = loss_function(labels, model(images, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


for epoch in range(6):
    losses = [float(step(images, labels)) for images, labels in data.train]
    accuracy.reset_state()
    for images, labels in data.validation:
        accuracy.update_state(labels, model(images, training=False))
    with writer.as_default(step=epoch):
        tf.summary.scalar("loss", sum(losses) / len(losses))
        tf.summary.scalar("val_accuracy", accuracy.result())
    manager.save()

before = model.get_weights()[0]
model.set_weights([0 * weights for weights in model.get_weights()])
checkpoint.restore(manager.latest_checkpoint).assert_existing_objects_matched()
assert (model.get_weights()[0] == before).all()

callbacks = [
    keras.callbacks.TensorBoard("logs/fit"),  # needs `pip install tensorboard`
    keras.callbacks.ModelCheckpoint("best.keras", monitor="val_accuracy", save_best_only=True),
]
model.compile(optimizer, loss_function, metrics=["accuracy"])
model.fit(data.train, validation_data=data.validation, epochs=1, verbose=0, callbacks=callbacks)

images, labels = data.sample("train", 100)
best = kerascnn.load_model("best.keras")
result = kerascnn.export.export_tflite(best, "digits.tflite", "int8", images, labels)
print(f"validation {float(accuracy.result()):.3f}, int8 agrees on {result.report.agreement:.0%}")
assert accuracy.result() > 0.85
